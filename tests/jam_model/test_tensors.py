"""Foreign tensors become float32 arrays, or say why not before they take memory."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch

from jam_model.tensors import MAX_VALUES, read_tensor
from tests.every import every


def pt(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


@every("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_precision_becomes_float32(dtype: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(dtype) / 8
    array = read_tensor(pt(tensor), "latent.pt", "x")
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, tensor.float().numpy())


def test_npy_members_hold_the_same_numbers() -> None:
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    np.testing.assert_array_equal(read_tensor(npy(array), "latent.npy", "x"), array.astype(np.float32))


@every("shape", [(1,), (512,), (70_000,), (3, 512), (128, 1), (128, 300), (128, 4000)])
def test_plain_tensors_are_taken_where_they_lie(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tensor = torch.randn(shape)
    data = bytearray(pt(tensor))
    monkeypatch.setattr(torch, "load", None)  # nothing is unpickled
    array = read_tensor(data, "latent.pt", "x")
    np.testing.assert_array_equal(array, tensor.numpy())
    array[...] = 0
    assert not read_tensor(data, "latent.pt", "x").any()


def test_a_view_or_a_false_size_is_not_taken_where_it_lies() -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    for view in (whole.T, whole[:, :2], whole[1:]):
        np.testing.assert_array_equal(read_tensor(pt(view), "latent.pt", "x"), view.numpy())
    lying = pt(torch.zeros(3, 4)).replace(b"K\x00K\x03K\x04\x86", b"K\x00K\x03K\x05\x86")
    with pytest.raises(ValueError, match="not a plain tensor"):
        read_tensor(lying, "latent.pt", "x")


def compressed(data: bytes) -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in plain.namelist():
            bomb.writestr(name, plain.read(name))
    return packed.getvalue()


@every(
    ("data", "told"),
    [
        (b"", "not a plain tensor"),
        (pt(torch.zeros(3))[:200], "not a plain tensor"),
        (pt([torch.zeros(3)]), "holds list"),
        (pt(torch.zeros(3, dtype=torch.int64)), "int64"),
        (pt(torch.zeros(3, dtype=torch.complex64)), "complex64"),
        (pt(torch.zeros(3, 3).to_sparse()), "not one dense tensor"),
        (pt(torch.zeros(3, device="meta")), "meta"),
        (pt(torch.zeros(1).expand(MAX_VALUES + 1)), "values, limit"),
        (pt(torch.zeros(3), _use_new_zipfile_serialization=False), "not a plain tensor"),
        (compressed(pt(torch.zeros(3))), "is compressed"),
        (pt(torch.tensor([0.0, float("inf")])), "not finite"),
    ],
)
def test_what_is_no_plain_tensor_is_named(data: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        read_tensor(data, "style.pt", "a-1.style.pt")
    assert str(error.value).startswith("a-1.style.pt") and "\n" not in str(error.value)


def test_npy_of_objects_of_whole_numbers_or_of_a_false_length_is_refused() -> None:
    with pytest.raises(ValueError, match="not a plain tensor"):
        read_tensor(npy(np.array([{}], dtype=object), allow_pickle=True), "style.npy", "x")
    with pytest.raises(ValueError, match="no floating-point numbers"):
        read_tensor(npy(np.arange(3)), "style.npy", "x")
    claimed = npy(np.zeros(1, np.float32)).replace(b"(1,), }          ", b"(99999999999,), }")
    with pytest.raises(ValueError, match="not a plain tensor"):
        read_tensor(claimed, "style.npy", "x")


def test_more_bytes_than_a_member_may_have_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jam_model.tensors.MAX_MEMBER_BYTES", 100)
    with pytest.raises(ValueError, match="limit 100"):
        read_tensor(b"x" * 101, "style.pt", "x")

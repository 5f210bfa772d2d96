#!/usr/bin/env bash
# Packages: x-transformers 1.31.0 and 2.4.14, with einx 0.4.3, frozendict 2.5.1 and loguru 0.7.3; python3 must have torch and einops
# Seen:     An encoder saved by 1.31.0 is read by 2.4.14 with every name and shape as they were (`strict=True` finds nothing), and computes
#           something else: norms save their gain until 1.31, their gain less 1 later, under the same name `gamma`. Each gain of an old
#           file is one too large. The default of `norm_add_unit_offset` became True; neither file nor package tells which it is.
# Guessed:  A checkpoint that loads strictly computes what it computed; or a changed meaning has another name.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
for version in 1.31.0 2.4.14; do
    python3 -m pip install -q --disable-pip-version-check --no-deps --target "$place/$version" "x-transformers==$version"
done
python3 -m pip install -q --disable-pip-version-check --no-deps --target "$place/both" einx==0.4.3 frozendict==2.5.1 loguru==0.7.3
cat > "$place/encoder" <<'PYTHON'
import sys

import torch
from x_transformers import Encoder

torch.manual_seed(0)
net = Encoder(dim=64, depth=2, heads=2, rotary_pos_emb=True).eval()
net.requires_grad_(False)
heard = torch.randn(1, 20, 64)
if sys.argv[1] == "save":
    torch.save({"state": net.state_dict(), "heard": heard, "said": net(heard)}, sys.argv[2])
else:
    held = torch.load(sys.argv[2], weights_only=True)
    said = net.load_state_dict(held["state"], strict=True)

    def apart() -> float:
        return float((net(held["heard"]) - held["said"]).abs().max())

    as_loaded = apart()
    for name, tensor in net.state_dict().items():
        if name.endswith("gamma"):
            tensor -= 1
    print(f"loaded strictly: {said}; farthest apart {as_loaded:.3f}; with each gamma less 1, {apart():.7f}")
    assert as_loaded > 0.1 and apart() < 1e-5
PYTHON
PYTHONPATH="$place/1.31.0:$place/both" python3 "$place/encoder" save "$place/old.pt"
PYTHONPATH="$place/2.4.14:$place/both" python3 "$place/encoder" read "$place/old.pt"

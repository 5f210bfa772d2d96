"""Bytes that stay: files, object stores, the lease of a work folder, retries; and decoded audio, which does not."""

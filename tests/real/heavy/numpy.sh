# numpy: linear algebra, FFT, sorting, random numbers, masks, memory maps, strides (results rounded: BLAS differs by architecture)
cat >n.py <<'P'
import numpy as np
r = np.random.default_rng(7)
a = r.standard_normal((120, 120)); b = r.standard_normal(120)
x = np.linalg.solve(a, b); print(np.allclose(a @ x, b), np.round(np.linalg.det(a[:8, :8]), 6))
print(np.round(np.sort(np.abs(np.linalg.eigvals(a[:20, :20])))[-3:], 6), np.round(np.linalg.svd(a[:10], compute_uv=False)[:3], 6))
s = np.sin(np.arange(4096) * 0.1); f = np.fft.rfft(s); print(np.argmax(np.abs(f)), np.allclose(np.fft.irfft(f), s))
v = r.integers(0, 1 << 40, 200000); print(v.sum(), np.sort(v)[[0, 1000, -1]], np.unique(v % 1009).size, np.bitwise_xor.reduce(v), (v >> 3).astype(np.int32).sum())
f = r.random(100000).astype(np.float32); print(np.round(f.sum(dtype=np.float64), 6), np.float16(f[:5]), np.round(np.exp(f).mean(), 4), np.isnan(np.log(-f)).sum())
m = np.memmap('m', dtype='>i4', mode='w+', shape=(100, 100)); m[:] = np.arange(10000).reshape(100, 100); m.flush(); print(np.memmap('m', dtype='>i4', mode='r')[::997].tolist()[:4])
print(np.einsum('ij,jk->ik', a[:5, :5], a[:5, :5]).shape, np.lib.stride_tricks.sliding_window_view(np.arange(10), 3).sum(1), np.datetime64('2024-02-29') + np.arange(3))
with np.errstate(all='ignore'): print(np.array([1, -1, 0]) / np.array([0.0, 0, 0]), np.array([5]) // np.array([0]), np.int8(127) + np.int8(1), np.float64(1e308) * 10)
try: np.seterr(all='raise'); np.float64(1) / np.float64(0)
except FloatingPointError as e: print(e)
c = a[:50, :50] + 1j * a[50:100, :50]; print(np.allclose(c @ np.linalg.inv(c), np.eye(50)), np.round(np.polyfit(np.arange(10), np.arange(10) ** 2, 2), 6) + 0.0)
P
python3 n.py

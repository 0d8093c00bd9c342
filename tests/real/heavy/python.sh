# threads, processes with pools and shared memory, asyncio with a server, subprocess, signals, ctypes with callbacks, sqlite3, ssl between two threads
python3 /work/work.py

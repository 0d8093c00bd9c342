"""Deterministic output from what python's library asks of the kernel."""
import asyncio, ctypes, ctypes.util, hashlib, json, math, mmap, multiprocessing, os, pickle, queue, random, re
import signal, socket, sqlite3, ssl, subprocess, sys, tempfile, threading, time, zlib
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory


def square(n):
    return n * n


def fill(name, at):
    block = shared_memory.SharedMemory(name)
    block.buf[at] = at * 3
    block.close()


def threads():
    lock, total, q = threading.Lock(), [0], queue.Queue(10)

    def add():
        for _ in range(20000):
            with lock:
                total[0] += 1

    def produce():
        for i in range(2000):
            q.put(i)
        q.put(None)

    group = [threading.Thread(target=add) for _ in range(4)] + [threading.Thread(target=produce)]
    [t.start() for t in group]
    got = sum(iter(q.get, None))
    [t.join() for t in group]
    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        print('threads', total[0], got, sum(pool.map(lambda i: barrier.wait() * 0 + i, range(8))))


def processes():
    for method in ('fork', 'spawn', 'forkserver'):
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            print(method, sum(pool.imap_unordered(square, range(500), 20)))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:
        print('executor', sum(pool.map(square, range(100))))
    block = shared_memory.SharedMemory(create=True, size=100)
    jobs = [multiprocessing.get_context('fork').Process(target=fill, args=(block.name, i)) for i in range(8)]
    [j.start() for j in jobs]
    [j.join() for j in jobs]
    print('shared', list(block.buf[:8]), [j.exitcode for j in jobs])
    block.close()
    block.unlink()


async def tasks():
    async def answer(reader, writer):
        while line := await reader.readline():
            writer.write(line[::-1])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(i):
        reader, writer = await asyncio.open_connection('127.0.0.1', port)
        writer.write(b'\n' + str(i).encode() * 1000)
        writer.write_eof()
        text = await reader.read()
        writer.close()
        return len(text)

    print('asyncio', sum(await asyncio.gather(*map(ask, range(60)))))
    child = await asyncio.create_subprocess_exec('sh', '-c', 'cat; exit 4', stdin=-1, stdout=-1)
    out, _ = await child.communicate(b'hello')
    print('child', out, child.returncode)
    try:
        async with asyncio.timeout(0.05):
            await asyncio.sleep(10)
    except TimeoutError:
        print('timeout')
    server.close()


def signals():
    seen = []
    signal.signal(signal.SIGUSR1, lambda n, f: seen.append(n))
    for _ in range(20):
        os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGALRM, lambda n, f: seen.append(n))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    os.kill(os.getpid(), signal.SIGUSR2)
    print('signals', len(seen), signal.sigwait([signal.SIGUSR2]), signal.sigpending())
    r = subprocess.run([sys.executable, '-c', 'import os; os.abort()'], stderr=-1)
    print('abort', r.returncode, subprocess.run('exit 3', shell=True).returncode)
    with subprocess.Popen(['sort', '-n'], stdin=-1, stdout=-1, text=True) as p:
        print('sort', p.communicate('3\n1\n2\n')[0].split())
    try:
        subprocess.run(['sleep', '10'], timeout=0.1)
    except subprocess.TimeoutExpired:
        print('expired')


def foreign():
    libc = ctypes.CDLL(None)
    Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    values = (ctypes.c_int * 500)(*[(i * 7919) % 503 for i in range(500)])
    libc.qsort(values, len(values), ctypes.sizeof(ctypes.c_int), Compare(lambda a, b: a[0] - b[0]))
    print('qsort', list(values[:5]), values[499])
    libm = ctypes.CDLL(ctypes.util.find_library('m') or 'libm.so.6')
    libm.pow.restype, libm.pow.argtypes = ctypes.c_double, (ctypes.c_double, ctypes.c_double)
    buffer = ctypes.create_string_buffer(64)
    libc.snprintf(buffer, 64, b'%d %s %x', 42, b'text', 255)
    print('pow', libm.pow(2.0, 0.5), buffer.value)


def database():
    db = sqlite3.connect('x.db')
    db.execute('create table t (a integer primary key, b text, c real)')
    db.executemany('insert into t values (?, ?, ?)', ((i, str(i * i), i / 3) for i in range(20000)))
    db.create_function('twist', 1, lambda s: s[::-1])
    db.commit()
    print('sqlite', db.execute('select count(*), sum(c), max(twist(b)) from t where a % 7 = 3').fetchone())
    print(db.execute("with recursive n(x) as (select 1 union all select x+1 from n where x < 50000) select sum(x) from n").fetchone())


def encrypted():
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k.pem', '-out', 'c.pem', '-days', '30',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], check=True, stderr=-1)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain('c.pem', 'k.pem')
    listener = socket.create_server(('127.0.0.1', 0))

    def serve():
        with server.wrap_socket(listener.accept()[0], server_side=True) as s:
            data = b''
            while len(data) < 100000:
                data += s.recv(65536)
            s.sendall(hashlib.sha256(data).digest())

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.create_default_context(cafile='c.pem')
    with client.wrap_socket(socket.create_connection(listener.getsockname()), server_hostname='localhost') as s:
        s.sendall(bytes(range(250)) * 400)
        print('ssl', s.version(), s.cipher()[0], s.recv(100).hex()[:16])
    thread.join()


def compute():
    r = random.Random(5)
    v = sorted(r.random() for _ in range(50000))
    print('random', v[0], v[25000], math.fsum(v))
    print('long', pow(3, 50000, 10**50), math.factorial(1000) % 1000007, (10**400 // 7) % 10**9)
    text = json.dumps([{'a': i, 'b': [i / 7, str(i)]} for i in range(5000)])
    print('json', zlib.crc32(text.encode()), len(re.findall(r'"(\d)\d*\1"', text)), len(pickle.dumps(json.loads(text))))
    m = mmap.mmap(-1, 1 << 20)
    m[1000:1005] = b'mapped'[:5]
    print('mmap', m.find(b'map'), hashlib.blake2b(m).hexdigest()[:16])

    def deep(n):
        return 0 if n == 0 else 1 + deep(n - 1)
    sys.setrecursionlimit(10000)
    print('deep', deep(5000))


if __name__ == '__main__':
    os.chdir(tempfile.mkdtemp())
    compute()
    threads()
    processes()
    asyncio.run(tasks())
    signals()
    foreign()
    database()
    encrypted()

# functions, generators, fibers, exceptions, preg with its compiler, the opcode cache's compiler, sorting, serialising, its own web server
cat >t.php <<'P'
<?php
function fib($n) { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); }
function gen($n) { for ($i = 0; $i < $n; $i++) { $x = yield $i => $i * $i; } return 'end'; }
echo fib(24), "\n"; $s = 0; $g = gen(100000); foreach ($g as $k => $v) $s += $v - $k; echo $s, $g->getReturn(), "\n";
$f = new Fiber(function ($x) { for (;;) $x = Fiber::suspend($x * 2); }); $f->start(1); for ($i = 0; $i < 20000; $i++) $r = $f->resume($i); echo $r, "\n";
$a = []; for ($i = 0; $i < 200000; $i++) { $a["k" . ($i % 5003)] = ($a["k" . ($i % 5003)] ?? 0) + $i; } asort($a); echo array_key_first($a), ' ', array_sum($a), "\n";
$c = 0; for ($i = 0; $i < 30000; $i++) { try { if ($i % 3 == 0) throw new DomainException("x$i"); intdiv(1, $i % 5); } catch (DomainException $e) { $c++; } catch (DivisionByZeroError $e) { $c += 10; } finally { $c += 100; } } echo $c, "\n";
$t = str_repeat("The quick brown fox, 42 jumps; over 7 lazy dogs. ", 2000); echo preg_match_all('/\b(\w)\w*\1\b|\d+/iu', $t), ' ', strlen(preg_replace_callback('/\w+/', fn($m) => ucfirst(strrev($m[0])), $t)), ' ', md5(serialize(array_count_values(preg_split('/\W+/', $t)))), "\n";
class P implements ArrayAccess, IteratorAggregate { private $d = []; function __get($n) { return $n . '!'; } function offsetExists(mixed $o): bool { return isset($this->d[$o]); } function offsetGet(mixed $o): mixed { return $this->d[$o]; } function offsetSet(mixed $o, mixed $v): void { $this->d[$o] = $v; } function offsetUnset(mixed $o): void { unset($this->d[$o]); } function getIterator(): Iterator { return new ArrayIterator($this->d); } }
$p = new P; for ($i = 0; $i < 1000; $i++) $p["a$i"] = $i; $s = 0; foreach ($p as $v) $s += $v; echo $s, $p->magic, ' ', match (true) { $s > 5 => 'more', default => 'less' }, "\n";
echo PHP_INT_MAX + 1, ' ', 0.1 + 0.2, ' ', 7 <=> 3, ' ', -7 % 3, ' ', round(2.5), ' ', number_format(1234567.891, 2), ' ', var_export(1e100, true), ' ', hash('sha256', $t), ' ', crc32($t), ' ', json_encode(json_decode('{"a":[1,2.5,"\u00e9"]}')), ' ', date('Y-m-d', 86400), ' ', bin2hex(pack('nNd', 1, 2, 1.5)), "\n";
for ($y = -12, $o = ''; $y <= 12; $y++) for ($x = -30; $x < 10; $x++) { $zr = $zi = 0; for ($i = 0; $i < 60 && $zr * $zr + $zi * $zi < 4; $i++) { $n = $zr * $zr - $zi * $zi + $x / 15; $zi = 2 * $zr * $zi + $y / 10; $zr = $n; } $o .= chr(65 + $i % 26); } echo md5($o), "\n";
echo proc_close(proc_open(['sh', '-c', 'cat; exit 4'], [['file', __FILE__, 'r'], ['file', '/dev/null', 'w']], $pipes)), ' ', trim(shell_exec('echo child')), "\n";
P
php=$(basename $(echo /usr/bin/php8.*))
$php t.php; $php -d opcache.enable_cli=1 -d opcache.jit=tracing -d opcache.jit_buffer_size=32M t.php | md5sum
echo '<?php echo strtoupper($_GET["q"]), array_sum(range(1, 1000));' >w.php; $php -S 127.0.0.1:8099 w.php >/dev/null 2>&1 & 
until curl -s 'http://127.0.0.1:8099/?q=up'; do sleep 0.3; done; echo; for i in 1 2 3 4 5; do curl -s "http://127.0.0.1:8099/?q=n$i"; echo; done; kill $!; wait $! 2>/dev/null

# threads and queues, fibers, ractors, fork, sockets, signals, exceptions, big numbers, regular expressions, collector stress
cat >t.rb <<'R'
require 'socket'; require 'json'; require 'digest'; require 'timeout'; require 'open3'
def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
puts fib(22), 3**500 % 10**20, (1..50).inject(:*), Rational(1, 3) + 2
q = Queue.new; sum = 0; m = Mutex.new
ts = 4.times.map { Thread.new { while (x = q.pop) != :end; m.synchronize { sum += x } end } }
2000.times { |i| q << i }; 4.times { q << :end }; ts.each(&:join); puts sum
f = Fiber.new { a, b = 0, 1; loop { Fiber.yield a; a, b = b, a + b } }; puts 90.times.map { f.resume }.last
e = Enumerator.new { |y| 1.step { |i| y << i * i } }; puts e.lazy.select(&:even?).first(4).inspect
$VERBOSE = nil; puts 3.times.map { |i| Ractor.new(i) { |n| (1..1000).sum * n } }.map { |r| r.respond_to?(:value) ? r.value : r.take }.inspect
s = TCPServer.new('127.0.0.1', 0); t = Thread.new { 20.times { c = s.accept; Thread.new { c.puts c.gets.reverse; c.close } } }
puts Digest::SHA256.hexdigest(20.times.map { |i| TCPSocket.open('127.0.0.1', s.addr[1]) { |c| c.puts "n#{i}" * 100; c.read } }.join)
pids = 5.times.map { |i| fork { exit! i } }; puts pids.map { |p| Process.wait2(p)[1].exitstatus }.inspect
n = 0; trap('USR1') { n += 1 }; 10.times { Process.kill('USR1', $$); sleep 0.001 }; sleep 0.05; puts n > 0
begin; Timeout.timeout(0.1) { loop {} }; rescue Timeout::Error => e; puts e.class; end
begin; def d(n) = d(n + 1); d(0); rescue SystemStackError => e; puts e.class; end
puts 5000.times.count { |i| begin; raise ArgumentError if i % 3 == 0; nil; rescue; true; end }
GC.stress = true; a = 200.times.map { |i| "s#{i}" }; GC.stress = false; puts a.join.size; GC.compact rescue 0
h = Hash.new(0); 100000.times { |i| h["k#{i % 977}"] += i }; puts h['k5'], JSON.generate(JSON.parse('{"a":[1,2.5,null]}')), 'a1b22'.gsub(/\d+/) { |d| (d.to_i * 2).to_s }
puts Open3.capture2('sort -n', stdin_data: "3\n1\n2\n")[0].split.inspect, `echo hi; exit 4`.chomp, $?.exitstatus
puts [3.7 % 1, 1e100.to_i, 0.1 + 0.2, Math.gamma(5.5)].inspect, [1, 2, 3, 4].pack('CnNw').unpack1('H*'), '%08.3f|%-5s|%+x' % [3.14159, 'ab', 255]
R
ruby t.rb

# fork and waitpid, sockets between 20 children, select, signals and alarm, pipes, sort, regular expressions, sprintf, packing, threads of forks
perl -e '
use strict; use warnings; use Socket; use IO::Socket::INET; use IO::Select; use POSIX qw(:sys_wait_h :signal_h setsid);
$| = 1;
my $server = IO::Socket::INET->new(Listen => 30, LocalAddr => "127.0.0.1") or die; my $port = $server->sockport;
my @kids; for my $i (1..20) { my $pid = fork; if (!$pid) { my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or exit 99; print $c "$i " . ("x" x ($i * 1000)) . "\n"; my $r = <$c>; chomp $r; exit($r == $i * 1000 ? $i : 98) } push @kids, $pid }
my $select = IO::Select->new($server); my ($served, %data) = 0;
while ($served < 20) { for my $s ($select->can_read) { if ($s == $server) { $select->add(scalar $s->accept) } else { my $l = <$s>; my ($i, $x) = split " ", $l; print $s length($x), "\n"; $select->remove($s); close $s; $served++ } } }
my $sum = 0; for (@kids) { waitpid $_, 0; $sum += $? >> 8 } print "sum $sum\n";
my $got = 0; $SIG{USR1} = sub { $got++ }; for (1..50) { kill USR1 => $$ } print "usr1 $got\n";
eval { local $SIG{ALRM} = sub { die "alarm\n" }; alarm 1; 1 while 1 }; print $@;
my $k = 0; $SIG{CHLD} = sub { while ((my $p = waitpid(-1, WNOHANG)) > 0) { $k++ } }; for (1..30) { my $p = fork; exit 0 unless $p } my $n = 0; select(undef, undef, undef, 0.05) while $k < 30 && $n++ < 200; print "reaped $k\n"; $SIG{CHLD} = "DEFAULT";
pipe my $r, my $w; if (!fork) { close $r; print $w "line $_\n" for 1..20000; exit } close $w; my $lines = () = <$r>; wait; print "lines $lines\n";
socketpair my $end, my $other, AF_UNIX, SOCK_STREAM, PF_UNSPEC; if (!fork) { sysread $end, my $x, 10; syswrite $end, scalar reverse $x; exit } syswrite $other, "stressed"; sysread $other, my $y, 10; wait; print "$y\n";
my %h; $h{$_ % 1009} .= chr(65 + $_ % 26) for 1..200000; print join(",", map { length $h{$_} } (sort { $a <=> $b } keys %h)[0..5]), "\n";
my $t = join " ", map { sprintf "%x", $_ * 7919 } 1..20000; my $c = () = $t =~ /\b([0-9a-f])\w*\1\b/g; (my $u = $t) =~ s/(\w+) (\w+)/$2-$1/g; print "$c ", unpack("%32C*", $u), " ", crypt("a", "ab") // "", "\n";
printf "%.15g %s %s\n", exp(1) ** 3.7 + sin(2), 2 ** 64, 0xFFFFFFFFFFFFFFFF % 1000; print unpack("H*", pack("NnCwf<", 1, 2, 3, 300, 1.5)), "\n";
my $status = system("sh", "-c", "kill -ABRT \$\$"); print "status ", $status & 127, "\n"; print `echo back; exit 3`, $? >> 8, "\n"; open my $p, "-|", "sort -rn" or die; close $p;
local $SIG{__WARN__} = sub { print "warn: ", $_[0] =~ s/ at .*//sr, "\n" }; my $z = undef . "x"; kill TERM => $$; sleep 5'
echo $?; perl -MStorable=dclone,freeze,thaw -MDigest::SHA=sha256_hex -MTime::HiRes=usleep,setitimer,ITIMER_REAL -MList::Util=sum,shuffle -MMath::BigInt -e 'usleep 100; my $n=0; $SIG{ALRM}=sub{$n++}; setitimer(ITIMER_REAL,0.01,0.01); my $end=time+3; 1 while $n<5 && time<$end; print $n>=5?"ticks\n":"late\n"; setitimer(ITIMER_REAL,0); print sha256_hex(join ",", @{thaw freeze [1..1000]}),"\n", Math::BigInt->new(3)->bpow(200),"\n"'

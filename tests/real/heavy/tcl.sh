# procedures and byte code, expr on big numbers, event loop with sockets, coroutines, threads of timers, regular expressions, exec, dictionaries
cat >t.tcl <<'T'
proc fib n { expr {$n < 2 ? $n : [fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]} }
puts [fib 19]; puts [expr {3 ** 200}]; puts [expr {sin(1) + 7 % -3 + 0x7fffffffffffffff + 1}]
for {set i 0} {$i < 200000} {incr i} { lappend l [expr {($i * 7919) % 10007}]; dict incr d [expr {$i % 100}] $i }
puts [lindex [lsort -integer -unique $l] 5000],[dict get $d 7],[llength [lsort -dictionary $l]]
puts [regsub -all {(\w+)@(\w+)} [string repeat {me@here } 3] {\2 at \1}]; puts [regexp -inline -all {\y\w{4}\y} {four word this sentence}]; puts [format %08.3f|%-5s|%x 3.14159 ab 255]; puts [clock format 86400 -gmt 1 -format %Y-%m-%d]
proc accept {c a p} { fconfigure $c -buffering line; fileevent $c readable [list serve $c] }
proc serve c { if {[gets $c line] < 0} { close $c; incr ::closed } else { puts $c [string reverse $line] } }
set s [socket -server accept -myaddr 127.0.0.1 0]; set port [lindex [fconfigure $s -sockname] 2]; set closed 0; set answers {}
proc answer c { if {[gets $c line] >= 0} { lappend ::answers $line; close $c } }
for {set i 0} {$i < 20} {incr i} { set c [socket 127.0.0.1 $port]; fconfigure $c -buffering line; puts $c "hello $i"; fileevent $c readable [list answer $c] }
while {$closed < 20} { vwait closed }; puts [lsort $answers]
coroutine next apply {{} { yield; for {set i 0} 1 {incr i} { yield [expr {$i * $i}] } }}; for {set i 0} {$i < 1000} {incr i} { set x [next] }; puts $x
set n 0; proc tick {} { if {[incr ::n] < 20} { after 1 tick } else { set ::done 1 } }; tick; vwait done; puts $n
puts [catch {exec sh -c {echo out; exit 3}} r o],[dict get $o -errorcode]; puts [exec sort -n << "3\n1\n2" | tr \n ,]; puts [catch {error x y {A B}} r o],$r
namespace eval a { proc p {} { return [namespace current] } }; puts [a::p]; oo::class create C { variable v; constructor {x} { set v $x }; method get {} { return $v } }; puts [[C new 5] get]; puts [encoding convertto utf-8 \u20ac],[binary scan [binary format sIw 1 2 3] H* h]$h; puts [zlib adler32 [zlib inflate [zlib deflate [string repeat abc 10000]]]]
T
tclsh t.tcl | sed 's/CHILDSTATUS [0-9]*/CHILDSTATUS/'

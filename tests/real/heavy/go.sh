# a program and its tests that the amd64 twin of Debian's Go built for each architecture: goroutines, preemption, channels, collector, faults, net/http on loopback
machine=$(uname -m)
/work/built/go-$machine
/work/built/go-test-$machine -test.count=1 -test.v | sed 's/([0-9.]*s)//'

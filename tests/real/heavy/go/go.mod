module example.invalid/work

go 1.22

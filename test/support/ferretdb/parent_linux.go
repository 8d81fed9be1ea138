package main

import (
	"runtime"
	"syscall"
)

// The server goes with the process that started it: a test run that is killed leaves none behind.
func init() {
	// What is asked for here holds as long as this thread lives.
	runtime.LockOSThread()
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
}

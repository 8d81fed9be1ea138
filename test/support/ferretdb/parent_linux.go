package main

import (
	"runtime"
	"syscall"
)

// The server ends with the process that started it, so a killed test run leaves no server behind.
func init() {
	// The setting lasts as long as this thread.
	runtime.LockOSThread()
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
}

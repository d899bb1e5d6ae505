package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wallClock sets the wall clock of one process, and of no other: it writes
// another clock_gettime into the process's own copy of the vDSO, where Go and C
// read the time. The new one asks the kernel and adds a number of seconds, which
// lies behind it, to CLOCK_REALTIME; the monotonic clock stays as it is, as it
// does when a real clock is set.
type wallClock struct {
	memory *os.File
	offset int64 // where the seconds lie
}

// clockCode is the new function, by the System V ABI: clock id in edi, result at rsi.
var clockCode = []byte{
	0xb8, 0xe4, 0x00, 0x00, 0x00, // mov $SYS_clock_gettime, %eax
	0x0f, 0x05, // syscall
	0x85, 0xff, // test %edi, %edi: CLOCK_REALTIME is 0
	0x75, 0x0a, // jne ret
	0x48, 0x8b, 0x0d, 0x06, 0x00, 0x00, 0x00, // mov seconds(%rip), %rcx
	0x48, 0x01, 0x0e, // add %rcx, (%rsi)
	0xc3,       // ret
	0x90, 0x90, // seconds is aligned
	0, 0, 0, 0, 0, 0, 0, 0, // seconds
}

// newWallClock returns nil, and says why, where this machine's clocks are others.
func newWallClock(t *testing.T, pid int) *wallClock {
	t.Helper()
	c, err := takeClock(pid)
	if err != nil {
		t.Logf("CLOCK JUMPS ARE NOT TRIED: %v", err)
		return nil
	}
	t.Cleanup(func() { c.memory.Close() })
	return c
}

func takeClock(pid int) (*wallClock, error) {
	if runtime.GOARCH != "amd64" {
		return nil, errors.New("only the code for amd64 is here")
	}
	low, high, err := vdso(pid)
	if err != nil {
		return nil, err
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	entry, err := clockEntry(memory, low, high)
	if err == nil {
		err = whileOutside(pid, low, high, func() error {
			_, err := memory.WriteAt(clockCode, entry)
			return err
		})
	}
	if err != nil {
		memory.Close()
		return nil, err
	}
	return &wallClock{memory, entry + int64(len(clockCode)) - 8}, nil
}

// set has the process's wall clock go wrong by d, whole seconds.
func (c *wallClock) set(d time.Duration) error {
	_, err := c.memory.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(int64(d/time.Second))), c.offset)
	return err
}

// vdso is where the process has it.
func vdso(pid int) (low, high uint64, _ error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			_, err := fmt.Sscanf(line, "%x-%x", &low, &high)
			return low, high, err
		}
	}
	return 0, 0, errors.New("the process has no vDSO")
}

// clockEntry is where the function begins that Go and C call.
func clockEntry(memory *os.File, low, high uint64) (int64, error) {
	image := make([]byte, high-low)
	if _, err := memory.ReadAt(image, int64(low)); err != nil {
		return 0, err
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return 0, err
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return 0, err
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" && s.Size >= uint64(len(clockCode)) && s.Value%8 == 0 {
			return int64(low + s.Value), nil
		}
	}
	return 0, errors.New("the vDSO has no clock_gettime that could be replaced")
}

// whileOutside stops the process where none of its threads is between low and
// high, and lets it go on after change.
func whileOutside(pid int, low, high uint64, change func() error) error {
	for range 100 {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		outside, err := stoppedOutside(pid, low, high)
		if err == nil && outside {
			err = change()
		}
		if goOn := syscall.Kill(pid, syscall.SIGCONT); err != nil || goOn != nil {
			return errors.Join(err, goOn)
		}
		if outside {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the process is always in its vDSO")
}

func stoppedOutside(pid int, low, high uint64) (bool, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return false, err
	}
	for _, task := range tasks {
		at, err := programCounter(fmt.Sprintf("/proc/%d/task/%s/syscall", pid, task.Name()))
		if err != nil {
			return false, err
		}
		if at == 0 || at >= low && at < high {
			return false, nil
		}
	}
	return true, nil
}

// programCounter is 0 where the thread still runs; proc(5).
func programCounter(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimPrefix(fields[len(fields)-1], "0x"), 16, 64)
}

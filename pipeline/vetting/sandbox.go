package vetting

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nice is how a child gives way to the stations that judge: a little, and never by
// waking up in front of them. More would starve it on a machine with much to do.
const nice = 2

// sandbox is what a child may reach: files that a program and its libraries need, to
// be read, and a folder of its own.
type sandbox struct {
	library string // ONNX Runtime's file
	scratch string
}

// enter confines the calling thread and what it starts, for good; no other thread of
// the process. Where the kernel lacks a part it is named in missing.
func (s sandbox) enter() (missing []string, _ error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("no new privileges: %w", err)
	}
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_BATCH, Nice: nice}, 0); err != nil {
		missing = append(missing, fmt.Sprintf("low priority (%v)", err))
	}
	if err := s.landlock(); err != nil {
		missing = append(missing, fmt.Sprintf("files and TCP (Landlock: %v)", err))
	}
	if err := denySockets(); err != nil {
		missing = append(missing, fmt.Sprintf("sockets (seccomp: %v)", err))
	}
	return missing, nil
}

// Rights that Landlock knows, by its version.
const (
	mayRun   = unix.LANDLOCK_ACCESS_FS_EXECUTE
	mayRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayList  = unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayWrite = unix.LANDLOCK_ACCESS_FS_WRITE_FILE

	files1 = 1<<13 - 1                                  // up to MAKE_SYM
	files2 = files1 | unix.LANDLOCK_ACCESS_FS_REFER     // version 2
	files3 = files2 | unix.LANDLOCK_ACCESS_FS_TRUNCATE  // version 3
	files5 = files3 | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV // version 5
	ofFile = mayRun | mayRead | mayWrite | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// landlock leaves the thread the files of the sandbox alone, no TCP where the kernel
// knows that (6.7), and no signals and abstract sockets of others (6.12).
func (s sandbox) landlock() error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return errno
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: files1}
	switch {
	case version >= 5:
		attr.Handled_access_fs = files5
	case version >= 3:
		attr.Handled_access_fs = files3
	case version >= 2:
		attr.Handled_access_fs = files2
	}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if version >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size += unsafe.Sizeof(attr.Handled_access_net)
	}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size += unsafe.Sizeof(attr.Scoped)
	}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(set))
	for path, rights := range s.rights() {
		if err := allow(int(set), path, rights&attr.Handled_access_fs); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// rights are by file and folder. Those of a folder hold for all that is in it; not
// /proc, through which a thread of this process that entered the sandbox could be
// reached, and its memory with it.
func (s sandbox) rights() map[string]uint64 {
	all := map[string]uint64{
		self: mayRun | mayRead, "/dev/null": mayRead | mayWrite, "/dev/urandom": mayRead,
		"/etc/ld.so.cache": mayRead, "/etc/localtime": mayRead,
		"/proc/cpuinfo": mayRead, "/proc/meminfo": mayRead, "/proc/stat": mayRead, "/proc/sys/vm/overcommit_memory": mayRead,
		s.scratch: files5 &^ mayRun,
	}
	folders := []string{"/usr", "/lib", "/lib64", "/opt", "/sys", filepath.Dir(s.library)}
	if file, err := filepath.EvalSymlinks(s.library); err == nil {
		folders = append(folders, filepath.Dir(file))
	}
	for _, dir := range append(folders, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...) {
		if dir != "" {
			all[dir] = mayRead | mayList
		}
	}
	loaders, _ := filepath.Glob("/lib*/ld-linux*") // fails only for a wrong pattern
	for _, loader := range loaders {
		all[loader] = mayRun | mayRead
	}
	return all
}

// allow adds a rule; what is not there needs none.
func allow(set int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// denySockets has the thread make no socket, look into no other process, and not go
// round that by io_uring.
func denySockets() error {
	arch, known := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if !known {
		return errors.New("not for " + runtime.GOARCH)
	}
	const (
		numberAt = 0 // in struct seccomp_data
		archAt   = 4
		x32      = 0x40000000 // numbers from here on are those of x86's other ABI
		fail     = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	)
	denied := []uint32{unix.SYS_SOCKET, unix.SYS_IO_URING_SETUP, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	equal := func(k uint32, yes, no int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(yes), Jf: uint8(no), K: k}
	}
	give := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	below := unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jt: 0, Jf: 1, K: x32}
	filter := []unix.SockFilter{load(archAt), equal(arch, 1, 0), give(fail), load(numberAt), below, give(fail)}
	for i, call := range denied {
		filter = append(filter, equal(call, len(denied)-i, 0))
	}
	filter = append(filter, give(unix.SECCOMP_RET_ALLOW), give(fail))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

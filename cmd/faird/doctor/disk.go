package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"faird/config"
)

const (
	syncRounds = 9
	syncBytes  = 64 << 10
	// slowSync is a wait for the disk that a verdict's deadline would notice.
	slowSync = 50 * time.Millisecond
	// fewInodes is when pictures, each of several files, soon find no room.
	fewInodes = 10_000
)

// checkDisk looks at where the history and the pictures lie.
func (d *Doctor) checkDisk(ctx context.Context) []Finding {
	folder := d.config.Store.Path
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []Finding{warn(folder+" is not there yet", "the daemon makes it at its first start, where it may")}
	case err != nil:
		return []Finding{fail(err.Error(), "make it readable for faird: chown faird, chmod 750; or run this as faird's user")}
	case !info.IsDir():
		return []Finding{fail(folder+" is not a folder", "name another in store.path")}
	}
	list := slices.Concat(d.space(folder), rights(folder, info), writing(ctx, folder))
	if cache := d.config.Infer.TensorRT.EngineCache; cache != "" {
		if info, err := os.Stat(cache); err == nil {
			list = append(list, rights(cache, info)...)
		}
	}
	return list
}

// diskDetail are the figures of one disk.
type diskDetail struct {
	Total   config.Bytes `json:"total"`
	Free    config.Bytes `json:"free"`
	Wanted  config.Bytes `json:"wanted"`
	Inodes  uint64       `json:"inodes_free"`
	Volatil bool         `json:"volatile"`
}

// space holds the bounds of the config against the disk.
func (d *Doctor) space(folder string) (list []Finding) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return []Finding{fail(folder+": "+err.Error(), "see whether the disk is mounted")}
	}
	a := d.config.Archive
	block := uint64(st.Bsize)
	det := diskDetail{
		Total: config.Bytes(st.Blocks * block), Free: config.Bytes(st.Bavail * block), Inodes: st.Ffree,
		Wanted: d.config.Store.MaxBytes + a.MaxBytes, Volatil: st.Type == unix.TMPFS_MAGIC,
	}
	what := fmt.Sprintf("%s: %s free of %s; history and pictures may take %s", folder, det.Free, det.Total, det.Wanted)
	switch {
	case det.Free < 64<<20:
		list = append(list, fail(what+": the disk is full", "make room: journalctl --vacuum-size=200M, or lower archive.max_bytes"))
	case a.MaxBytes > 0 && det.Free < a.MinFree:
		list = append(list, warn(fmt.Sprintf("%s: less than archive.min_free (%s) is free, so no more pictures are kept", what, a.MinFree), "make room, or lower archive.min_free"))
	case det.Wanted+a.MinFree > det.Total:
		list = append(list, warn(what+": more than the disk has", "lower archive.max_bytes or store.max_bytes"))
	default:
		list = append(list, ok(what))
	}
	list[0] = list[0].with(det)
	if st.Files > 0 && st.Ffree < fewInodes {
		list = append(list, warn(fmt.Sprintf("%s: room for %d more files only", folder, st.Ffree), "remove small files from this disk: df -i"))
	}
	switch st.Type {
	case unix.TMPFS_MAGIC:
		list = append(list, warn(folder+" is in memory: verdicts are lost when the power goes", "name a folder on a disk in store.path"))
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		list = append(list, fail(folder+" is on a network drive, where SQLite's log does not work", "name a folder on a disk of this machine in store.path"))
	}
	return list
}

// rights of a folder of the daemon's: nobody else's.
func rights(folder string, info os.FileInfo) []Finding {
	if info.Mode().Perm()&0o007 != 0 {
		return []Finding{warn(fmt.Sprintf("%s can be entered by every user (mode %o)", folder, info.Mode().Perm()), "chmod o-rwx "+folder)}
	}
	return nil
}

// writing measures what a commit waits for: a write and its fsync.
func writing(ctx context.Context, folder string) []Finding {
	file, err := os.CreateTemp(folder, ".doctor-")
	if err != nil {
		return []Finding{fail("cannot be written: "+err.Error(), "chown it to faird's user, or run this as that user: sudo -u faird faird doctor")}
	}
	defer os.Remove(file.Name())
	defer file.Close()
	data, took := make([]byte, syncBytes), make([]time.Duration, 0, syncRounds)
	for range syncRounds {
		if ctx.Err() != nil {
			break
		}
		began := time.Now()
		_, err := file.Write(data)
		if err = errors.Join(err, file.Sync()); err != nil {
			return []Finding{fail(filepath.Dir(file.Name())+": "+err.Error(), "dmesg | tail says whether the disk is failing or full")}
		}
		took = append(took, time.Since(began))
	}
	if len(took) == 0 {
		return []Finding{fail("the disk did not answer in time", "dmesg | tail says whether it is failing")}
	}
	slices.Sort(took)
	middle, longest := took[len(took)/2], took[len(took)-1]
	what := fmt.Sprintf("a write of %d KiB is on the disk after %v (middle), %v (longest of %d)",
		syncBytes>>10, middle.Round(10*time.Microsecond), longest.Round(10*time.Microsecond), len(took))
	detail := map[string]float64{"sync_ms_median": middle.Seconds() * 1e3, "sync_ms_longest": longest.Seconds() * 1e3}
	if middle > slowSync {
		return []Finding{warn(what+": each verdict waits for one", "use an SSD in place of an SD card or a busy disk for store.path").with(detail)}
	}
	return []Finding{ok(what).with(detail)}
}

// running is whether a daemon holds the lock of the store's folder.
func (d *Doctor) running() bool {
	file, err := os.Open(filepath.Join(d.config.Store.Path, "faird.lock"))
	if err != nil {
		return false
	}
	defer file.Close()
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB) // gone with the file's closing
	return errors.Is(err, unix.EWOULDBLOCK)
}

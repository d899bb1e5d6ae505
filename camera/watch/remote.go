package watch

import (
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// remote are the file systems to which others write without inotify's noticing,
// by statfs(2)'s f_type (linux/magic.h, fs/smb/client/cifsfs.c and others).
var remote = map[int64]string{
	unix.NFS_SUPER_MAGIC:   "nfs",
	unix.SMB_SUPER_MAGIC:   "smb",
	unix.CIFS_SUPER_MAGIC:  "cifs",
	unix.SMB2_SUPER_MAGIC:  "smb3",
	unix.FUSE_SUPER_MAGIC:  "fuse",
	unix.V9FS_MAGIC:        "9p",
	unix.CEPH_SUPER_MAGIC:  "ceph",
	unix.AFS_SUPER_MAGIC:   "afs",
	unix.CODA_SUPER_MAGIC:  "coda",
	unix.OCFS2_SUPER_MAGIC: "ocfs2",
	0x01161970:             "gfs2",
	0x0bd00bd0:             "lustre",
	0x786f4256:             "vboxsf",
}

// pollIfRemote begins to poll where a folder is on a network file system and the
// settings leave it open.
func (w *Watcher) pollIfRemote(name string) {
	if w.settings.Poll != Auto || w.poll > 0 {
		return
	}
	var s unix.Statfs_t
	if unix.Statfs(w.tree.at(name), &s) != nil {
		return
	}
	system, ok := remote[int64(s.Type)&0xffffffff] //nolint:unconvert // 32 bits on some machines
	if !ok {
		return
	}
	w.poll = networkPoll
	w.report.info("a network file system: the folder is listed regularly, for inotify does not see what other machines write",
		func(e *zerolog.Event) *zerolog.Event { return e.Str("type", system).Stringer("poll", w.poll) })
}

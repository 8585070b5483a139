package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipckit/harness/sandbox"
)

// attempts are commands that must fail inside a cage, whoever the kit is.
var attempts = []string{
	": > /cage-was-here",
	": > /etc/cage-was-here",
	": >> /etc/hosts",
	": > /usr/bin/cage-was-here",
	": > /run/ipckit/cage-was-here",
	": > /dev/cage-was-here",
	`: >> "$0"`,
	`chmod u+w "$0"`,
	`mv "$0" "$0.old"`,
	"unshare --user true",
	"unshare --user --map-root-user --net true",
	"unshare --mount true",
	"unshare --pid --fork true",
	"mount -o remount,rw /",
	"mount -o remount,rw /run",
	"mount -t tmpfs none /mnt",
	"umount /etc/hosts",
	"umount /proc",
	"hostname elsewhere",
	"cat /proc/1/environ",
	"ls /proc/1/fd/",
	"ls /proc/1/root/",
	"readlink /proc/1/exe",
	"cat /proc/1/maps",
	"head -c 1 /proc/1/mem",
	"cat /proc/$PPID/environ",
	"readlink /proc/$PPID/fd/4",
	": > /proc/$PPID/fd/4",
	"head -c 1 /proc/$PPID/mem",
	"echo 1 > /proc/sys/net/core/somaxconn",
	"echo 5 > /proc/sys/net/ipv4/tcp_syn_retries",
	"echo 10 > /proc/sys/user/max_user_namespaces",
	"echo b > /proc/sysrq-trigger",
	"echo 0 > /proc/1/oom_score_adj",
	"ulimit -Hn 99999999",
}

func TestAttemptsAtTheCageFail(t *testing.T) {
	var text strings.Builder
	for _, attempt := range attempts {
		text.WriteString("( " + attempt + " ) >/dev/null 2>&1 && cat <<'END'\nnot refused: " + attempt + "\nEND\n")
	}
	text.WriteString("exit 0\n")
	path := script(t, text.String())
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			if got := p.output(t, order{Isolation: sandbox.Namespaces, Path: path, Argv: []string{"program"}}); got != "" {
				t.Error(got)
			}
		})
	}
	if _, err := os.Stat("/cage-was-here"); err == nil {
		t.Error("the program has written to the machine's tree")
	}
}

func TestPID1CannotBeKilled(t *testing.T) {
	path := script(t, "for s in KILL STOP TERM INT HUP PIPE USR1 QUIT; do kill -$s 1; done\nkill -KILL -1\necho survived\n")
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			// The program may have killed its own leader with the rest.
			r := p.run(t, order{Isolation: sandbox.Namespaces, Path: path, Argv: []string{"program"}})
			if !strings.Contains(r.Output, "survived") && r.Error == "" {
				t.Errorf("neither a word of the program nor one about its leader: %+v", r)
			}
		})
	}
}

func TestProgramsDoNotSeeTheMachinesTemporaryFiles(t *testing.T) {
	dir := folder(t)
	writeFile(t, filepath.Join(dir, "secret"), "swordfish", 0o644)
	o := order{
		Isolation: sandbox.Namespaces, Argv: []string{"program"},
		Path: script(t, "ls -A /tmp /var/tmp /dev/shm 2>/dev/null; ps -e 2>/dev/null | wc -l; ls -d /proc/[0-9]* | wc -l"),
	}
	for _, p := range persons(t) {
		if got := p.output(t, o); strings.Contains(got, filepath.Base(dir)) || strings.Contains(got, "sandbox-test-") {
			t.Errorf("%s: the program sees %s", p.name, got)
		}
	}
}

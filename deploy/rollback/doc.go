// Package rollback is units and a script that bring back the last version of
// faird that worked, and their test. It holds no Go of the program's.
package rollback

// Package sandbox makes cages: places where one scenario runs its programs
// without touching the machine, or another scenario.
//
// It stands second in the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// It knows no claim and no scenario. What is to be done inside a cage is a
// function that the recorder registers by name ([Register]).
//
// # One binary, several lives
//
// A cage is made by starting the kit's own binary again under other names, which
// [MaybeChild] tells apart by argv[0]:
//
//	kit            Open: clone into new namespaces
//	  kit-init     PID 1 of the cage: mounts, lo, then the registered function;
//	               it reaps, traces and drives
//	    kit-leader one for each terminal: session leader, as a login shell is;
//	               it has the terminal and waits for the program
//	      kit-exec sheds rights, waits for the word to go, and becomes
//	        program the program under test: foreground process group of the
//	                terminal, never PID 1, never session leader
//
// The kit's end of a pipe is the cage's lifeline: when the kit dies, by whatever
// signal, PID 1 dies, and with it (pid_namespaces(7)) everything inside.
//
// # Rungs
//
// [Namespaces] is the rung that the kit wants. Where the kernel refuses it,
// [None] runs programs among the other processes of the machine: as root under
// an unused user id without capabilities, one scenario at a time.
package sandbox

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"ipckit/harness/recorder"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
	"ipckit/reference"
)

func main() {
	sandbox.MaybeChild(reference.Programs)
	s, err := scenario.Find(scenario.Name(os.Args[1]))
	if err != nil {
		panic(err)
	}
	var ps []*sandbox.Parcel
	for i, p := range s.Parts {
		var sub subject.Subject
		if len(os.Args) > 2+i {
			sub, err = subject.Open(p.Role, os.Args[2+i], nil, nil)
			if err != nil {
				fmt.Println(err)
				os.Exit(2)
			}
		} else {
			sub = subject.Builtin(p.Role, string(p.Role))
		}
		pc, err := sandbox.Pack(sub)
		if err != nil {
			panic(err)
		}
		ps = append(ps, pc)
	}
	t := time.Now()
	iso := sandbox.Namespaces
	if os.Getenv("ISO") == "none" {
		iso = sandbox.None
	}
	r, err := recorder.Record(context.Background(), s, ps, recorder.Options{Isolation: iso, CPU: 0, Scale: 1, Seed: 1})
	fmt.Println(time.Since(t), err)
	if r == nil {
		return
	}
	for i := range r.Events {
		b, _ := json.Marshal(&r.Events[i])
		fmt.Println(string(b))
	}
	b, _ := json.Marshal(r.Trailer)
	fmt.Println(string(b))
}

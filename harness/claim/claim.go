// Package claim holds the words of the kit's judgement as plain data: what a
// claim is (its level, source, text, the article's error if there is one, why
// it matters), what a verdict is, and the rule that turns verdicts into an exit
// code.
//
// It stands at both ends of the second half of the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// specs declare claims, judge yields verdicts on them, report writes them. It
// imports the standard library only and knows neither programs nor recordings.
package claim

import (
	"fmt"
	"path"
	"strings"
)

// ID names a claim everywhere: in specs, reports, fixtures and web pages.
type ID string

// Topic returns the part of the id before the first dot: "socket".
func (id ID) Topic() string {
	topic, _, _ := strings.Cut(string(id), ".")
	return topic
}

// Match reports whether the id fits the glob, as path.Match reads it.
func (id ID) Match(glob string) bool {
	ok, err := path.Match(glob, string(id))
	return err == nil && ok
}

// Level says what a failure of the claim means.
type Level string

// The levels.
const (
	Must   Level = "must"   // what the article says of the programs
	Should Level = "should" // what a careful engineer does beyond it
	May    Level = "may"    // worth reporting, never a fault
	Fact   Level = "fact"   // true of the kernel, whatever the program
)

// Levels returns all levels, the strictest first.
func Levels() []Level { return []Level{Must, Should, May, Fact} }

// String returns the level as people read it: "MUST".
func (l Level) String() string { return strings.ToUpper(string(l)) }

// ParseLevel returns the level of that name, in any case.
func ParseLevel(name string) (Level, error) {
	for _, l := range Levels() {
		if strings.EqualFold(name, string(l)) {
			return l, nil
		}
	}
	return "", fmt.Errorf("unknown level %q: use must, should, may or fact", name)
}

// Role says whose behaviour a claim is about.
type Role string

// The roles of claims. Pair claims are about a server and a client together,
// Kernel claims about no program.
const (
	Server   Role = "server"
	Client   Role = "client"
	Shutdown Role = "shutdown"
	Pair     Role = "pair"
	Kernel   Role = "kernel"
)

// Source is where a statement comes from.
type Source struct {
	Article string `json:"article,omitempty"` // section of the article; "" is beyond the article
}

// Article returns the source of a statement in that section of the article.
func Article(section string) Source { return Source{Article: section} }

// Beyond is the source of a statement that the article does not make.
var Beyond = Source{}

// String returns the source in words.
func (s Source) String() string {
	if s.Article == "" {
		return "beyond the article"
	}
	return fmt.Sprintf("article, %q", s.Article)
}

// Claim is one statement that can be true or false of a program or the kernel.
type Claim struct {
	ID      ID       `json:"id"`
	Level   Level    `json:"level"`
	Role    Role     `json:"role"`
	Title   string   `json:"title"`   // a few words for lists: "the parent waits for its child"
	Text    string   `json:"text"`    // the statement, one sentence
	Source  Source   `json:"source"`  //
	Erratum string   `json:"erratum"` // what the article says instead; "" where it does not err
	Why     string   `json:"why"`     // why it matters, for a reader who never heard of it
	Cause   string   `json:"cause"`   // the usual mistake behind a failure; "" for facts
	Read    []string `json:"read"`    // where to read: "accept(2)", "RFC 9293, section 3.5"
	Needs   []ID     `json:"needs"`   // claims without which this one cannot be judged
}

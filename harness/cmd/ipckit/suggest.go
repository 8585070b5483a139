package main

import "strings"

// didYouMean proposes the nearest names for one that is not known; "" where none
// is near.
func didYouMean(given string, names []string) string {
	const most = 3
	near := nearest(given, names)
	if len(near) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(near[:min(most, len(near))], ", ") + "?"
}

// nearest returns the names that are like the given one: those that differ in the
// fewest letters, if these are few, else those that hold it or its last part.
func nearest(given string, names []string) []string {
	best := max(2, len(given)/4)
	var near, holding []string
	for _, name := range names {
		d := edits(strings.ToLower(given), strings.ToLower(name))
		if d < best {
			near, best = nil, d
		}
		if d == best {
			near = append(near, name)
		}
		if holds(name, given) {
			holding = append(holding, name)
		}
	}
	if len(near) > 0 {
		return near
	}
	return holding
}

// holds reports whether a name holds the given one, or the last part of it where
// that is long enough to mean something.
func holds(name, given string) bool {
	const least = 3
	last := given[strings.LastIndexByte(given, '.')+1:]
	return len(given) >= least && strings.Contains(name, strings.ToLower(given)) ||
		len(last) >= least && strings.Contains(name, strings.ToLower(last))
}

// edits counts the letters to insert, remove or replace that turn a into b
// (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

package specs_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"

	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/report"
	"ipckit/harness/sandbox"
	"ipckit/reference"
	"ipckit/specs"
)

var flags front.Flags

func init() { flags.Register(flag.CommandLine) }

func TestMain(m *testing.M) {
	sandbox.MaybeChild(reference.Programs)
	os.Exit(m.Run())
}

// TestClaims is the Ginkgo suite: one It for each claim, after one recording of
// each scenario that the selected claims need.
func TestClaims(t *testing.T) {
	gomega.RegisterFailHandler(Fail)
	if err := flags.Check(); err != nil {
		t.Fatal(err)
	}
	chosen, err := flags.Choose(specs.All())
	if err != nil {
		t.Fatal(err)
	}
	suite, reporter := GinkgoConfiguration()
	suite.FailOnEmpty, suite.FailOnPending = true, true
	plant(chosen)
	preview := PreviewSpecs("ipckit", suite, reporter)
	prepare(selection(preview, chosen))
	RunSpecs(t, "ipckit", suite, reporter)
}

// result is what the checks said; every process of a parallel run has its own
// copy.
var result claim.Result

// inTree are the claims that are told: a claim that depends on one of them need
// not fail for it a second time.
var inTree = map[claim.ID]bool{}

// plant grows the tree: a container for each topic, an It for each claim.
func plant(chosen []judge.Spec) {
	for _, topic := range topics(chosen) {
		Describe(topic, func() {
			for _, s := range chosen {
				if s.ID.Topic() == topic {
					where := types.CodeLocation{FileName: s.File, LineNumber: s.Line}
					It(s.Title, where, Label(string(s.Level), string(s.Role), topic, string(s.ID)), func() { tell(s, where) })
				}
			}
		})
	}
}

func topics(chosen []judge.Spec) []string {
	var names []string
	for _, s := range chosen {
		if !slices.Contains(names, s.ID.Topic()) {
			names = append(names, s.ID.Topic())
		}
	}
	return names
}

// selection returns the specs that Ginkgo's own filters leave.
func selection(preview Report, chosen []judge.Spec) []judge.Spec {
	left := map[string]bool{}
	for _, s := range preview.SpecReports {
		if s.State.Is(types.SpecStatePassed | types.SpecStateInvalid | types.SpecStatePending) {
			for _, label := range s.Labels() {
				left[label] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(chosen), func(s judge.Spec) bool { return !left[string(s.ID)] })
}

// recordingLimit bounds the recording of everything.
const recordingLimit = 10 * time.Minute

// prepare records and judges on the first process, before any It.
func prepare(selected []judge.Spec) {
	for _, s := range selected {
		inTree[s.ID] = true
	}
	SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
		made, err := record(ctx, selected)
		if err != nil {
			Fail(report.Safe(err.Error()))
		}
		text, err := json.Marshal(made)
		gomega.Expect(err).NotTo(gomega.HaveOccurred(), "the result can be handed to the other processes")
		return text
	}, func(text []byte) {
		gomega.Expect(json.Unmarshal(text, &result)).To(gomega.Succeed(), "the first process's result can be read")
	}, NodeTimeout(recordingLimit), GracePeriod(5*time.Second))

	ReportAfterSuite("what SHOULD hold and does not", func(r Report) { missed(os.Stdout, r) })
}

func record(ctx context.Context, selected []judge.Spec) (*claim.Result, error) {
	folder, err := front.UserFolder()
	if err != nil {
		return nil, err
	}
	probe, cleanup := front.Probe(ctx)
	defer cleanup()
	programs, err := flags.Programs(folder, probe)
	if err != nil {
		return nil, err
	}
	kit := claim.Kit{Version: front.Version(), Catalogue: judge.Catalogue(specs.All())}
	return judge.Run(ctx, selected, flags.Relevant(specs.All()), programs, flags.Options(kit))
}

// tell gives a verdict Ginkgo's words.
func tell(s judge.Spec, where types.CodeLocation) {
	v := result.Verdict(s.ID)
	if v == nil {
		Fail("BROKEN: there is no verdict on " + string(s.ID))
	}
	AddReportEntry("claim", string(v.Claim), ReportEntryVisibilityNever)
	AddReportEntry("level", string(v.Level), ReportEntryVisibilityNever)
	for _, e := range v.Evidence {
		AddReportEntry("evidence", fmt.Sprintf("%s %v", e.Recording, e.Events), ReportEntryVisibilityNever)
	}
	switch outcome, text := spoken(*v, result.Strict, inTree[v.DependsOnFailed]); outcome {
	case types.SpecStatePassed:
		AddReportEntry("observed", text, ReportEntryVisibilityFailureOrVerbose)
	case types.SpecStateSkipped:
		Skip(text)
	default:
		block := report.Block(&result, v.Claim, report.TextOptions{})
		Fail(text + "\n" + block + "\nclaim declared at " + where.String())
	}
}

const shouldNotMet = "SHOULD not met: "

// spoken returns what becomes of a verdict in Ginkgo: what was not judged must
// never look green, so a MUST without a verdict is a failure, for a skip would
// not be seen. A claim whose cause is told beside it is skipped: told says so.
func spoken(v claim.Verdict, strict, told bool) (types.SpecState, string) {
	grave := v.Level == claim.Must || v.Level == claim.Fact
	reason := report.Safe(v.Reason)
	switch v.Outcome {
	case claim.Pass:
		return types.SpecStatePassed, report.Safe(v.Observed)
	case claim.Fail:
		if grave || strict && v.Level == claim.Should {
			return types.SpecStateFailed, v.Message
		}
		return types.SpecStateSkipped, shouldNotMet + report.Safe(v.Observed)
	case claim.Flaky:
		return either(grave), "FLAKY: " + reason
	case claim.Broken:
		return either(v.Level != claim.May), "BROKEN: " + reason
	case claim.Skip:
		return either(v.Level == claim.Must && !told), "depends on " + string(v.DependsOnFailed) + ", which does not hold"
	}
	return either(v.Level == claim.Must), "NOT JUDGED: " + reason
}

func either(grave bool) types.SpecState {
	if grave {
		return types.SpecStateFailed
	}
	return types.SpecStateSkipped
}

// missed lists the SHOULDs that were missed, for a reader who sees only dots.
func missed(w io.Writer, r Report) {
	for _, s := range r.SpecReports {
		if strings.Contains(s.Failure.Message, shouldNotMet) {
			fmt.Fprintf(w, "! %s: %s\n", s.LeafNodeText, s.Failure.Message)
		}
	}
}

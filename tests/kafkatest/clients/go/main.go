// Two Go clients of the REST API: what a line of JSON on standard input asks for is done with the one that the command
// line names, and what the client returned is a line of JSON on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"os"
)

type asked struct {
	Do     string
	Name   string
	Task   int
	Config map[string]string
}

func main() {
	clients := map[string]func(string) func(asked) (any, error){"cloudhut": cloudhut, "go-kafka": goKafka}
	do := clients[os.Args[1]](os.Args[2])
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, end := lines.ReadBytes('\n')
		if end != nil {
			return
		}
		var one asked
		if wrong := json.Unmarshal(line, &one); wrong != nil {
			panic(wrong)
		}
		returned, failed := do(one)
		if failed != nil {
			returned = map[string]any{"error": failed.Error()}
		}
		if wrong := out.Encode(returned); wrong != nil {
			panic(wrong)
		}
	}
}

// What a function that returns nothing but an error has returned.
func none(failed error) (any, error) {
	return nil, failed
}

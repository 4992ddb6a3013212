// Uses a bridge with one Go client, as scripts/interop/matrix.mjs says.
//
// usage: interop go-sdk|mcp-go PLAN
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"time"
)

type plan struct {
	URL     string            `json:"url"`
	Command string            `json:"command"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env"`
	Call    string            `json:"call"`
	Failure string            `json:"failure"`
	File    string            `json:"file"`
	Wait    string            `json:"wait"`

	Structured string `json:"structured"`
	Picture    string `json:"picture"`
	Progress   string `json:"progress"`
	Restarts   bool   `json:"restarts"`
}

func (p plan) environment() []string {
	var list []string
	for name, value := range p.Env {
		list = append(list, name+"="+value)
	}
	return list
}

// answer is a tool's text, whether the client reports an error, and what else the result has. Pictures are base64.
type answer struct {
	Text       string `json:"text"`
	Error      bool   `json:"error"`
	structured any
	pictures   []string
}

type client interface {
	protocol() string
	names(ctx context.Context) ([]string, error)
	call(ctx context.Context, name string, arguments map[string]any) (answer, error)
	// progress calls a tool, and returns how often it reported progress.
	progress(ctx context.Context, name string) (int, error)
	// read returns the content as base64.
	read(ctx context.Context, uri string) (string, error)
	close()
}

var uri = regexp.MustCompile(`dify-file://[^\s"]+`)

func main() {
	var p plan
	if err := json.Unmarshal([]byte(os.Args[2]), &p); err != nil {
		panic(err)
	}
	connect := map[string]func(context.Context, plan) (client, error){"go-sdk": connectSDK, "mcp-go": connectMark3labs}
	ctx := context.Background()
	c, err := connect[os.Args[1]](ctx, p)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := make(chan struct{})
	go func() {
		input := bufio.NewScanner(os.Stdin)
		for input.Scan() {
			lines <- struct{}{}
		}
		close(lines)
	}()
	report("connect", c.protocol(), nil)
	names, err := c.names(ctx)
	report("list", names, err)
	good, err := c.call(ctx, p.Call, map[string]any{"name": "Ada"})
	report("call", good, err)
	bad, err := c.call(ctx, p.Failure, map[string]any{})
	if err != nil {
		bad = answer{Text: err.Error(), Error: true}
	}
	report("failure", bad, nil)
	counted, err := c.call(ctx, p.Structured, map[string]any{})
	report("structured", counted.structured, err)
	drawn, err := c.call(ctx, p.Picture, map[string]any{})
	report("picture", drawn.pictures, err)
	file, err := c.call(ctx, p.File, map[string]any{})
	if err == nil {
		var content string
		content, err = c.read(ctx, uri.FindString(file.Text))
		report("file", content, err)
	} else {
		report("file", nil, err)
	}
	count, err := c.progress(ctx, p.Progress)
	report("progress", count, err)
	cancellable, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := c.call(cancellable, p.Wait, map[string]any{})
		ended <- err
	}()
	// A line says that the call has reached Dify.
	select {
	case err := <-ended:
		report("cancel", nil, fmt.Errorf("ended early: %v", err))
	case <-lines:
		cancel()
		<-ended
		report("cancel", "cancelled", nil)
	}
	// The next line says that the driver has seen enough, and has restarted the bridge.
	<-lines
	if p.Restarts {
		patient, stop := context.WithTimeout(ctx, 30*time.Second)
		again, err := c.call(patient, p.Call, map[string]any{"name": "Ada"})
		report("restart", again, err)
		stop()
	}
	go func() {
		time.Sleep(5 * time.Second)
		os.Exit(0)
	}()
	c.close()
}

func report(step string, value any, err error) {
	line := map[string]any{"step": step, "value": value}
	if err != nil {
		line = map[string]any{"step": step, "thrown": err.Error()}
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

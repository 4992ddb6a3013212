package main

import (
	"context"
	"encoding/base64"
	"os/exec"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type sdkClient struct {
	session *mcp.ClientSession
	reports *atomic.Int64
}

func connectSDK(ctx context.Context, p plan) (client, error) {
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: p.URL}
	if p.URL == "" {
		command := exec.Command(p.Command, p.Args...)
		command.Env = p.environment()
		transport = &mcp.CommandTransport{Command: command}
	}
	reports := new(atomic.Int64)
	options := &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { reports.Add(1) },
	}
	c := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, options)
	session, err := c.Connect(ctx, transport, nil)
	return sdkClient{session, reports}, err
}

func (c sdkClient) protocol() string { return c.session.InitializeResult().ProtocolVersion }

func (c sdkClient) names(ctx context.Context) ([]string, error) {
	var names []string
	for tool, err := range c.session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		names = append(names, tool.Name)
	}
	return names, nil
}

func (c sdkClient) call(ctx context.Context, name string, arguments map[string]any) (answer, error) {
	result, err := c.session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		return answer{}, err
	}
	made := answer{Error: result.IsError, structured: result.StructuredContent}
	for _, block := range result.Content {
		switch content := block.(type) {
		case *mcp.TextContent:
			made.Text += content.Text + "\n"
		case *mcp.ImageContent:
			made.pictures = append(made.pictures, base64.StdEncoding.EncodeToString(content.Data))
		}
	}
	return made, nil
}

func (c sdkClient) progress(ctx context.Context, name string) (int, error) {
	params := &mcp.CallToolParams{Name: name, Arguments: map[string]any{}}
	params.SetProgressToken("interop")
	_, err := c.session.CallTool(ctx, params)
	return int(c.reports.Load()), err
}

func (c sdkClient) read(ctx context.Context, uri string) (string, error) {
	result, err := c.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(result.Contents[0].Blob), nil
}

func (c sdkClient) close() { _ = c.session.Close() }

package main

import (
	"context"
	"encoding/base64"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type sdkClient struct{ session *mcp.ClientSession }

func connectSDK(ctx context.Context, p plan) (client, error) {
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: p.URL}
	if p.URL == "" {
		command := exec.Command(p.Command, p.Args...)
		command.Env = p.environment()
		transport = &mcp.CommandTransport{Command: command}
	}
	c := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, nil)
	session, err := c.Connect(ctx, transport, nil)
	return sdkClient{session}, err
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
	text := ""
	for _, block := range result.Content {
		if content, ok := block.(*mcp.TextContent); ok {
			text += content.Text + "\n"
		}
	}
	return answer{text, result.IsError}, nil
}

func (c sdkClient) read(ctx context.Context, uri string) (string, error) {
	result, err := c.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(result.Contents[0].Blob), nil
}

func (c sdkClient) close() { _ = c.session.Close() }

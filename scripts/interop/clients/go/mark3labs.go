package main

import (
	"context"
	"fmt"
	"sync/atomic"

	mark3labs "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
)

type mark3labsClient struct {
	*mark3labs.Client
	reports *atomic.Int64
}

func connectMark3labs(ctx context.Context, p plan) (client, error) {
	c, err := mark3labs.NewStreamableHttpClient(p.URL)
	if p.URL == "" {
		c, err = mark3labs.NewStdioMCPClient(p.Command, p.environment(), p.Args...)
	}
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	request := mcp.InitializeRequest{}
	request.Params.ClientInfo = mcp.Implementation{Name: "interop", Version: "1"}
	reports := new(atomic.Int64)
	c.OnNotification(func(notification mcp.JSONRPCNotification) {
		if notification.Method == "notifications/progress" {
			reports.Add(1)
		}
	})
	_, err = c.Initialize(ctx, request)
	return mark3labsClient{c, reports}, err
}

func (c mark3labsClient) protocol() string { return c.ProtocolVersion() }

func (c mark3labsClient) names(ctx context.Context) ([]string, error) {
	listed, err := c.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
	}
	return names, nil
}

func (c mark3labsClient) call(ctx context.Context, name string, arguments map[string]any) (answer, error) {
	request := mcp.CallToolRequest{}
	request.Params.Name = name
	request.Params.Arguments = arguments
	result, err := c.CallTool(ctx, request)
	if err != nil {
		return answer{}, err
	}
	made := answer{Error: result.IsError, structured: result.StructuredContent}
	for _, block := range result.Content {
		switch content := block.(type) {
		case mcp.TextContent:
			made.Text += content.Text + "\n"
		case mcp.ImageContent:
			made.pictures = append(made.pictures, content.Data)
		}
	}
	return made, nil
}

func (c mark3labsClient) progress(ctx context.Context, name string) (int, error) {
	request := mcp.CallToolRequest{}
	request.Params.Name = name
	request.Params.Arguments = map[string]any{}
	request.Params.Meta = &mcp.Meta{ProgressToken: "interop"}
	_, err := c.CallTool(ctx, request)
	return int(c.reports.Load()), err
}

func (c mark3labsClient) read(ctx context.Context, uri string) (string, error) {
	request := mcp.ReadResourceRequest{}
	request.Params.URI = uri
	result, err := c.ReadResource(ctx, request)
	if err != nil {
		return "", err
	}
	content, ok := result.Contents[0].(mcp.BlobResourceContents)
	if !ok {
		return "", fmt.Errorf("the content is a %T", result.Contents[0])
	}
	return content.Blob, nil
}

func (c mark3labsClient) close() { _ = c.Close() }

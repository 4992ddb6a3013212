// A server on mcp-go that does for a call what the floors do: one HTTP request, and its answer as text.
// usage: peer stdio|http PORT URL
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	transport, port, url := os.Args[1], os.Args[2], os.Args[3]
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	peer := server.NewMCPServer("peer", "1")
	echo := mcp.NewTool("echo", mcp.WithDescription("Returns the text."), mcp.WithString("text", mcp.Required()))
	peer.AddTool(echo, func(ctx context.Context, call mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		body, err := json.Marshal(map[string]string{"text": call.GetString("text", "")})
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		read, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		return mcp.NewToolResultText(string(read)), nil
	})
	if transport == "stdio" {
		log.Fatal(server.ServeStdio(peer))
	}
	log.Fatal(server.NewStreamableHTTPServer(peer).Start("127.0.0.1:" + port))
}

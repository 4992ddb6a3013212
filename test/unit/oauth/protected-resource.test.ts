import { describe, expect, it } from 'vitest';
import { audiencesAt, createProtectedResource, endpointOf } from '../../../src/oauth/protected-resource.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const issuer = 'https://login.example.com';
const scopesAt = (endpoint: string): string[] =>
  endpoint.endsWith('/support') ? ['dify', 'support'] : ['dify'];
const resource = createProtectedResource('https://bridge.example.com', [{ issuer, scopesAt }]);

describe('the metadata of the protected resource', () => {
  it('describes the default endpoint at the root form and at its own path', () => {
    const metadata = {
      resource: 'https://bridge.example.com/mcp',
      authorization_servers: [issuer],
      scopes_supported: ['dify'],
      bearer_methods_supported: ['header'],
      resource_name: 'Dify tools',
    };
    for (const path of ['', '/', '/mcp', '/mcp/']) {
      expect(resource.metadataAt(`${WELL_KNOWN}${path}`), path).toEqual(metadata);
    }
  });

  it.each(['/mcp/support', '/w/team/mcp', '/w/team/mcp/support'])('describes the endpoint %s', (path) => {
    expect(resource.metadataAt(`${WELL_KNOWN}${path}`)).toMatchObject({
      resource: `https://bridge.example.com${path}`,
      scopes_supported: scopesAt(path),
    });
  });

  it.each([
    `${WELL_KNOWN}/other`,
    `${WELL_KNOWN}/mcp/a/b`,
    `${WELL_KNOWN}/mcp/%0a`,
    '/.well-known/other',
    '/mcp',
  ])('is not at %s', (path) => {
    expect(resource.metadataAt(path)).toBeUndefined();
  });

  it('lists every server, each scope once, and no scopes where none are needed', () => {
    const none = createProtectedResource('https://bridge.example.com', [
      { issuer, scopesAt: () => [] },
      { issuer: 'https://bridge.example.com', scopesAt: () => [] },
    ]);
    expect(none.metadataAt(WELL_KNOWN)).toMatchObject({
      authorization_servers: [issuer, 'https://bridge.example.com'],
    });
    expect(none.metadataAt(WELL_KNOWN)).not.toHaveProperty('scopes_supported');
    expect(none.challenge('/mcp').scope).toBeUndefined();
    const servers = [
      { issuer, scopesAt },
      { issuer: 'https://other.example.com', scopesAt },
    ];
    expect(createProtectedResource('https://b.example.com', servers).challenge('/mcp').scope).toBe('dify');
  });

  it('is inserted before the path of a public address that has one, and also served behind a proxy that removes it', () => {
    const behind = createProtectedResource('https://example.com/bridge', [{ issuer, scopesAt }]);
    expect(behind.challenge('/mcp/support')).toEqual({
      scope: 'dify support',
      resource_metadata: `https://example.com${WELL_KNOWN}/bridge/mcp/support`,
    });
    for (const path of ['/bridge/mcp/support', '/mcp/support']) {
      expect(behind.metadataAt(`${WELL_KNOWN}${path}`)).toMatchObject({
        resource: 'https://example.com/bridge/mcp/support',
      });
    }
  });
});

describe('an endpoint', () => {
  it('is the default one for any path that is not an endpoint', () => {
    expect(['/mcp/', '/mcp/support', '/x', '/mcp/a/b', ''].map(endpointOf)).toEqual([
      '/mcp',
      '/mcp/support',
      '/mcp',
      '/mcp',
      '/mcp',
    ]);
  });

  it('accepts tokens for itself and for the default endpoint of its workspace', () => {
    const at = (endpoint: string): string[] => audiencesAt('https://b.example.com', endpoint);
    expect(at('/mcp')).toEqual(['https://b.example.com/mcp']);
    expect(at('/mcp/support')).toEqual(['https://b.example.com/mcp/support', 'https://b.example.com/mcp']);
    expect(at('/w/team/mcp/support')).toEqual([
      'https://b.example.com/w/team/mcp/support',
      'https://b.example.com/w/team/mcp',
    ]);
  });
});

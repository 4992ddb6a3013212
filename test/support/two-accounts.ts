import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';

/** One Dify with several accounts: a server that passes each request to the sandbox of its account. */
export interface SharedDify {
  readonly url: string;
  /** The sandboxes by the part of the e-mail address before the `@`. */
  readonly accounts: Readonly<Record<string, Sandbox>>;
}

/** What one connection says of itself, and not of what it carries. */
const HOP_BY_HOP = ['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'];

/** Starts a Dify with an account for each name, with its own tools. Ends with the test. */
export async function startSharedDify(
  tools: Readonly<Record<string, SandboxOptions['tools']>>,
  options: Omit<SandboxOptions, 'tools' | 'email'> = {},
): Promise<SharedDify> {
  const accounts: Record<string, Sandbox> = {};
  for (const [name, set] of Object.entries(tools)) {
    const sandbox = await createSandbox({ ...options, tools: set, email: `${name}@example.com` });
    onTestFinished(() => sandbox.close());
    accounts[name] = sandbox;
  }
  const all = Object.values(accounts);
  /** The sandbox by each cookie, code token and bearer token that it issued. */
  const issued = new Map<string, Sandbox>();

  function sandboxOf(headers: Headers, body: string): Sandbox {
    const email = /"email":"([^"]+)"/.exec(body)?.[1]?.toLowerCase();
    const known = all.find(({ credentials }) => credentials.email === email);
    if (known !== undefined) return known;
    const texts = [
      headers.get('authorization')?.replace(/^Bearer /, ''),
      ...(headers.get('cookie') ?? '').split('; '),
    ];
    return (
      texts.map((text) => issued.get(text ?? '')).find((found) => found !== undefined) ?? (all[0] as Sandbox)
    );
  }

  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = Buffer.concat(parts);
      const headers = new Headers(
        Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name)) as [string, string][],
      );
      const sandbox = sandboxOf(headers, body.toString('utf8'));
      const ask = ({ url }: Sandbox): Promise<Response> =>
        fetch(`${url}${request.url}`, {
          method: request.method ?? 'GET',
          headers,
          ...(parts.length > 0 && { body }),
          redirect: 'manual',
        });
      // A link to a file is signed by the sandbox that has it.
      const isFile = request.url?.startsWith('/files/') === true;
      const answers = await Promise.all((isFile ? all : [sandbox]).map(ask));
      const [first] = answers;
      const answer = answers.find(({ ok }) => ok) ?? first;
      if (answer === undefined) throw new Error('There is no account.');
      const cookies = answer.headers.getSetCookie();
      for (const line of cookies) issued.set(line.split(';', 1)[0] ?? '', sandbox);
      const passed = [...answer.headers].filter(
        ([name]) => name !== 'set-cookie' && !HOP_BY_HOP.includes(name),
      );
      response.writeHead(answer.status, {
        ...Object.fromEntries(passed),
        ...(cookies.length > 0 && { 'set-cookie': cookies }),
      });
      if (answer.body !== null) for await (const chunk of answer.body) response.write(chunk);
      response.end();
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accounts };
}

import { describe, expect, it } from 'vitest';
import { readDifyEnvironment } from '../../../src/setup/dify-env-file.ts';

/** In the manner of the file that comes with Dify's Docker Compose files. */
const DOCKER = `# ------------------------------
# Server Configuration
# ------------------------------
CONSOLE_API_URL=
FILES_URL=
# Use \`openssl rand -base64 42\` to make one
SECRET_KEY=sk-fake/secret+key==
INIT_PASSWORD=
EXPOSE_NGINX_PORT=80
PLUGIN_DAEMON_KEY=fake-daemon-key
PLUGIN_DIFY_INNER_API_KEY=fake-inner-key
PLUGIN_DIFY_INNER_API_URL=http://api:5001
`;

describe("Dify's environment file", () => {
  it('has the keys under the names of Docker Compose', () => {
    expect(readDifyEnvironment(DOCKER)).toEqual({
      innerApiKey: 'fake-inner-key',
      secretKey: 'sk-fake/secret+key==',
      innerApiUrl: 'http://api:5001',
      remarks: [],
    });
  });

  it('has them under the names of a checkout of the sources', () => {
    const text = 'SECRET_KEY="fake secret"\r\nINNER_API_KEY_FOR_PLUGIN=fake-inner # the plugin daemon\r\n';
    expect(readDifyEnvironment(text)).toEqual({
      innerApiKey: 'fake-inner',
      secretKey: 'fake secret',
      remarks: [],
    });
  });

  it.each(['true', 'True', '1', 'yes', '"true"'])('has an admin key that is switched on by %s', (word) => {
    const found = readDifyEnvironment(`ADMIN_API_KEY=fake-admin\nADMIN_API_KEY_ENABLE=${word}\n`);
    expect(found).toEqual({ adminApiKey: 'fake-admin', remarks: [] });
  });

  it.each(['', 'ADMIN_API_KEY_ENABLE=false', 'ADMIN_API_KEY_ENABLE='])(
    'has an admin key without effect with "%s"',
    (line) => {
      const found = readDifyEnvironment(`ADMIN_API_KEY=fake-admin\n${line}\n`);
      expect(found.adminApiKey).toBeUndefined();
      expect(found.remarks).toEqual([
        { path: 'ADMIN_API_KEY', message: expect.stringContaining('ADMIN_API_KEY_ENABLE') },
      ]);
      expect(JSON.stringify(found)).not.toContain('fake-admin');
    },
  );

  it('does not take a reference for a value', () => {
    const found = readDifyEnvironment('SECRET_KEY=${THE_KEY:-none}\n');
    expect(found.secretKey).toBeUndefined();
    expect(found.remarks).toEqual([{ path: 'SECRET_KEY', message: expect.stringContaining('another') }]);
  });

  it('bears a byte order mark, and a file that is none', () => {
    expect(readDifyEnvironment('\u{FEFF}SECRET_KEY=fake\n').secretKey).toBe('fake');
    expect(readDifyEnvironment('{"not": "a list of variables"}')).toEqual({ remarks: [] });
    expect(readDifyEnvironment('')).toEqual({ remarks: [] });
  });
});

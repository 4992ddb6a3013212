import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** How much more code than before is worth storing. */
const GROWTH = 1.02;

/** The bytes in front of the code: the checksums of source and code. V8 itself checks its version and flags, no more. */
const HEADER_BYTES = 8;

/**
 * Runs a script that defines a CommonJS module as one function, with the compiled code that earlier processes stored in a
 * folder. The script must not use `import()`. Returns a function that stores the code again if this process has compiled
 * more.
 */
export function runWithCodeCache(path: string, folder: string): () => void {
  const source = readFileSync(path, 'latin1');
  const checksum = crc32(source);
  // Each Node.js and each installed program has a file of its own. A later version of the program replaces it.
  const stored = join(folder, `${process.version}-${process.arch}-${crc32(path).toString(16)}`);
  const cachedData = readCode(stored, checksum);
  const script = new Script(source, { filename: path, cachedData });
  // Not the buffer itself, which would stay in memory.
  const usable = script.cachedDataRejected === true ? 0 : (cachedData?.length ?? 0);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  return () => {
    const code = script.createCachedData();
    if (code.length > usable * GROWTH) writeCode(stored, checksum, code);
  };
}

/**
 * Returns the stored code of the source with this checksum; undefined if there is none, it is damaged, or another user
 * could have written it: code decides what the process does.
 */
function readCode(path: string, checksum: number): Buffer | undefined {
  try {
    if (![dirname(path), path].every(isOnlyOurs)) return undefined;
    const bytes = readFileSync(path);
    const code = bytes.subarray(HEADER_BYTES);
    return bytes.readUInt32LE(0) === checksum && bytes.readUInt32LE(4) === crc32(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

function isOnlyOurs(path: string): boolean {
  const { uid, mode } = statSync(path);
  return process.platform === 'win32' || (uid === process.getuid?.() && (mode & 0o022) === 0);
}

function writeCode(path: string, checksum: number, code: Buffer): void {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(checksum, 0);
  header.writeUInt32LE(crc32(code), 4);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, Buffer.concat([header, code]), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // The folder may be read-only. The next start compiles again.
  }
}

// oidc-provider expects Node.js 22. All that it needs and Node.js 20 lacks is URL.parse. Import this module before it.
const { warn } = console;

if (!('parse' in URL)) {
  Object.defineProperty(URL, 'parse', {
    configurable: true,
    writable: true,
    value: (text: string, base?: string) => (URL.canParse(text, base) ? new URL(text, base) : null),
  });
  // It warns of Node.js 20 while it is loaded, on the standard error of a log in JSON.
  console.warn = () => undefined;
}

/** Call after oidc-provider is loaded. */
export function restoreWarnings(): void {
  console.warn = warn;
}

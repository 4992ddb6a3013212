import { createRequire } from 'node:module';

// Sources, the compiled library and the bundled program all lie one folder below package.json.
const manifest = createRequire(import.meta.url)('../package.json') as { readonly version: string };

/** The version of this package. */
export const VERSION: string = manifest.version;

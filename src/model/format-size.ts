/** Formats a number of bytes in decimal units, such as `1.2 KB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  if (bytes < 999_950) return `${Number((bytes / 1000).toFixed(1))} KB`;
  if (bytes < 999_950_000) return `${Number((bytes / 1_000_000).toFixed(1))} MB`;
  return `${Number((bytes / 1_000_000_000).toFixed(1))} GB`;
}

/** Returns the last segment of an address's path, decoded; empty for a data URL. */
export function nameInAddress(url: string): string {
  if (url.startsWith('data:')) return '';
  const path = url.split(/[?#]/, 1)[0] ?? '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

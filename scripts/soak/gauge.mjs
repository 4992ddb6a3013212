// Loaded into a watched process before its program. Reports over IPC what the process holds after a collection.
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const kinds = {};
  for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1;
  process.send({ heapBytes: heapUsed + external, handles: process.getActiveResourcesInfo().length, kinds });
});
// The channel neither delays the process nor keeps it alive.
process.channel.unref();

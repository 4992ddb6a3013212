// Loaded into a measured process before its program. Reports over IPC what the process has used so far.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
});
// The channel neither delays the process nor keeps it alive.
process.channel.unref();

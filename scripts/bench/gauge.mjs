// Loaded into a measured process before its program: answers over IPC what the process has used so far.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
});
// Neither waits for whoever measures nor keeps the process alive for it.
process.channel.unref();

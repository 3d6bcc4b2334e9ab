export async function run(): Promise<void> {
  const { startEmulator } = await import('../emulator/server.js');
  await startEmulator();
}

/** What publishing asks of the file system, a method for each step; tests give one with faults. */
export interface Disk {
  /** Names in a folder. */
  list(folder: string): string[];
  /** Makes a file for writing; fails where one exists. */
  create(path: string): DiskFile;
  /** Opens a file; null where there is none, or it may not be opened. */
  open(path: string): DiskFile | null;
  /** Gives a file or folder another name; replaces a file that has it. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes sure that the names in a folder survive a loss of power. */
  syncFolder(path: string): Promise<void>;
  syncFolderSync(path: string): void;
}

/** An open file. */
export interface DiskFile {
  /** Writes some of the bytes and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
  /** Makes sure that what was written survives a loss of power. */
  sync(): Promise<void>;
  syncSync(): void;
  /** Takes the system's lock of the file; false where another has it. It ends when the file is closed. */
  lock(): boolean;
  /** True while the path is a name of this very file. */
  isAt(path: string): boolean;
  close(): void;
}

/** Whether an open file is the one that has a name now. Always true on systems that do not tell. */
export function isSameFile(file: Deno.FsFile, path: string): boolean {
  try {
    const here = file.statSync(), there = Deno.statSync(path);
    return here.ino === there.ino && here.dev === there.dev;
  } catch {
    return false;
  }
}

function opened(file: Deno.FsFile): DiskFile {
  return {
    write: (bytes) => file.write(bytes),
    writeSync: (bytes) => file.writeSync(bytes),
    sync: () => file.sync(),
    syncSync: () => file.syncSync(),
    lock: () => file.tryLockSync(true),
    isAt: (path) => isSameFile(file, path),
    close: () => file.close(),
  };
}

/** This machine's. New files have mode 666 less the umask. */
export const SYSTEM_DISK: Disk = {
  list: (folder) => [...Deno.readDirSync(folder)].map(({ name }) => name),
  create: (path) => opened(Deno.openSync(path, { write: true, createNew: true })),
  open(path) {
    try {
      return opened(Deno.openSync(path, { write: true }));
    } catch {
      return null;
    }
  },
  rename: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.removeSync(path),
  async syncFolder(path) {
    // Some systems open no folder, some file systems sync none; the rename before was atomic all the same.
    try {
      using folder = await Deno.open(path);
      await folder.sync();
    } catch { /* as above */ }
  },
  syncFolderSync(path) {
    try {
      using folder = Deno.openSync(path);
      folder.syncSync();
    } catch { /* as above */ }
  },
};

/** Disks that fail, for tests of what is published on them. */
import { type Disk, type DiskFile, SYSTEM_DISK } from "../../src/files/disk.ts";

/** Called before each step with its name and the path that it is about; what it throws is the step's failure. */
export type BeforeStep = (step: string, path: string) => void;

/** What is written at once, of so many bytes. */
export type Portion = (bytes: Uint8Array) => Uint8Array;

/** This machine's disk, with faults. */
export function faultyDisk(before: BeforeStep, portion: Portion = (bytes) => bytes): Disk {
  const file = (inner: DiskFile, path: string): DiskFile => ({
    write: (bytes) => (before("write", path), inner.write(portion(bytes))),
    writeSync: (bytes) => (before("write", path), inner.writeSync(portion(bytes))),
    sync: () => (before("sync", path), inner.sync()),
    syncSync: () => (before("sync", path), inner.syncSync()),
    lock: () => (before("lock", path), inner.lock()),
    isAt: (name) => (before("look", path), inner.isAt(name)),
    // The system closes the files of a process that has died.
    close: () => inner.close(),
  });
  return {
    list: (folder) => (before("list", folder), SYSTEM_DISK.list(folder)),
    create: (path) => (before("create", path), file(SYSTEM_DISK.create(path), path)),
    open(path) {
      before("open", path);
      const inner = SYSTEM_DISK.open(path);
      return inner && file(inner, path);
    },
    rename: (from, to) => (before("rename", to), SYSTEM_DISK.rename(from, to)),
    remove: (path) => (before("remove", path), SYSTEM_DISK.remove(path)),
    syncFolder: (path) => (before("sync folder", path), SYSTEM_DISK.syncFolder(path)),
    syncFolderSync: (path) => (before("sync folder", path), SYSTEM_DISK.syncFolderSync(path)),
  };
}

/** An error as the operating system makes it. */
export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${message} (os error 28)`), { code });
}

/** A disk on which files whose paths hold a text have no room beyond their first half. */
export function fullDisk(text: string): Disk {
  return faultyDisk((step, path) => {
    if (step === "sync" && path.includes(text)) throw systemError("ENOSPC", "No space left on device");
  }, (bytes) => bytes.subarray(0, Math.ceil(bytes.length / 2)));
}

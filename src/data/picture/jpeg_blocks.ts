import { firstScan, isSequential, type JpegHeader } from "./jpeg_header.ts";

/**
 * While `fn` runs, a JPEG's header says that the picture fills its last blocks, as its data does. libjpeg-turbo then
 * writes planes straight to their destination instead of copying them row by row. Nothing else changes, because all
 * components are in one scan with as many blocks as before. JPEGs of other kinds are left unchanged.
 *
 * @param file The file; its bytes are as before when this returns.
 * @param header As read from it.
 * @param block Columns and rows of a block of all components.
 * @param fn What is done.
 */
export function inWholeBlocks(
  file: Uint8Array,
  header: JpegHeader,
  block: { width: number; height: number },
  fn: () => void,
): void {
  const at = header.frame;
  const inOneScan = isSequential(file, header) && firstScan(file, header)?.components === header.components;
  if (!inOneScan) return fn();
  const size = new DataView(file.buffer, file.byteOffset + at + 5, 4);
  const whole = (length: number, block: number) => Math.min(Math.ceil(length / block) * block, 65535);
  size.setUint16(0, whole(header.height, block.height));
  size.setUint16(2, whole(header.width, block.width));
  try {
    fn();
  } finally {
    size.setUint16(0, header.height);
    size.setUint16(2, header.width);
  }
}

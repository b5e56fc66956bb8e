import { firstScan, isSequential, type JpegHeader } from "./jpeg_header.ts";

/**
 * Lets a JPEG's header say that the picture fills its last blocks, as its data does, while something is done: libjpeg-turbo then
 * writes planes to where they are wanted, in place of copying them row by row. Nothing else changes, as all components stand in
 * one scan, of as many blocks as before. A JPEG of another kind is left as it is.
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

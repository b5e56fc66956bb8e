import { WebGPUBackend } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import * as tf from "../tensors.ts";
import type { FoundAdapter } from "./adapter.ts";
import { correctTranspose } from "./transpose.ts";

/** The device is lost or refused something: no value that was computed on it can be trusted any more. */
export class DeviceError extends Error {
  override name = "DeviceError";
}

/** A tensor that is larger than what the device can give to a program. */
export class TensorTooLargeError extends Error {
  override name = "TensorTooLargeError";
}

const AFTERWARDS = "What was computed since is not to be trusted; close the engine and open it anew";

/** What an error of the device means, in words. */
function meaning(error: GPUError): string {
  return error instanceof GPUOutOfMemoryError
    ? `the device is out of memory (${error.message}); smaller batches need less`
    : `the device refused a command: ${error.message.trim()}`;
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * tfjs's WebGPU backend, with the device's errors made errors of ours. WebGPU reports them beside the calls that caused
 * them, and reading what a refused command should have written gives zeros.
 */
export class GuardedBackend extends WebGPUBackend {
  #failure: string | undefined;
  #closed = false;

  /** True on a device that the processor plays. */
  readonly software: boolean;

  constructor(device: GPUDevice, { adapter, software }: FoundAdapter) {
    super(device, adapter.info);
    this.software = software;
    device.addEventListener("uncapturederror", (event) => {
      this.#fail(meaning((event as GPUUncapturedErrorEvent).error));
    });
    device.lost.then(({ reason, message }) => {
      if (!this.#closed) this.#fail(`the device was lost (${message || reason})`);
    });
  }

  #fail(what: string): void {
    this.#failure ??= what; // The first is the cause, the others follow from it.
  }

  /** @throws {DeviceError} When the device has failed since the engine was opened. */
  check(): void {
    if (this.#failure) throw new DeviceError(`engine webgpu: ${this.#failure}. ${AFTERWARDS}`);
  }

  override runWebGPUProgram(
    ...[program, inputs, type, ...more]: Parameters<WebGPUBackend["runWebGPUProgram"]>
  ): tf.TensorInfo {
    this.check();
    const stored = inputs.length > 0 ? this.tensorMap.get(inputs[0].dataId).dtype : type;
    try {
      return super.runWebGPUProgram(correctTranspose(program, stored, type), inputs, type, ...more);
    } catch (error) {
      // A lost device makes calls fail before it says that it is lost.
      if (error instanceof DOMException) this.#fail(`the device failed (${error.message})`);
      this.check();
      throw error;
    }
  }

  override uploadToGPU(dataId: tf.DataId): void {
    const { shape, dtype, resource } = this.tensorMap.get(dataId);
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const bytes = 4 * tf.util.sizeFromShape(shape);
    if (!resource && bytes > most) {
      throw new TensorTooLargeError(
        `engine webgpu: a tensor of ${shape.join("×")} (${dtype}, ${
          mebibytes(bytes)
        }) is larger than what this ` +
          `device can give to a program, ${
            mebibytes(most)
          }; take a smaller batch or model, or another engine`,
      );
    }
    super.uploadToGPU(dataId);
  }

  override async read(dataId: tf.DataId): Promise<tf.BackendValues> {
    this.check();
    try {
      return await super.read(dataId);
    } catch (error) {
      this.#fail(`the device could not be read (${error instanceof Error ? error.message : error})`);
      throw error;
    } finally {
      this.check();
    }
  }

  override readSync(dataId: tf.DataId): tf.BackendValues {
    if (this.tensorMap.get(dataId).values == null) {
      throw new Error(
        "engine webgpu cannot wait for its device: use await tensor.data(), not dataSync() or arraySync()",
      );
    }
    return super.readSync(dataId);
  }

  /** Resolves when all that was asked for has been computed. */
  async finished(): Promise<void> {
    this.check();
    this.ensureCommandEncoderReady();
    this.endComputePassEncoder();
    this.submitQueue();
    await this.queue.onSubmittedWorkDone();
    this.check();
  }

  override dispose(): void {
    this.#closed = true;
    super.dispose();
    this.device.destroy();
  }
}

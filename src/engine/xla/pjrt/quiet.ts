/** XLA and TensorFlow write each error that they return to the error output as well, and much for their developers. */
export function quietLog(): void {
  try {
    if (Deno.env.get("TF_CPP_MIN_LOG_LEVEL") === undefined) Deno.env.set("TF_CPP_MIN_LOG_LEVEL", "2");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}

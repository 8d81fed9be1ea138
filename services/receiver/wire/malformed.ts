/** The error of a body that is not what its headers say. Its message is for the sender, and may go into its log. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

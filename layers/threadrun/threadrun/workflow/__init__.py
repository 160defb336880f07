"""One step of a request, the calls that it waits for, and how it waits. It must not know what CloudFormation sends."""

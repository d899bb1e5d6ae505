#ifndef FAIRD_OPERATORS_H
#define FAIRD_OPERATORS_H

// faird_operators_add makes the operators known to a session that options will
// open. api is ONNX Runtime's table of functions. NULL is success, else a
// malloc'd message.
char *faird_operators_add(const void *api, void *options);

#endif

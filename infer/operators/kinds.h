#ifndef FAIRD_KINDS_H
#define FAIRD_KINDS_H

// faird_use has everything computed as other processors do, which tests want: 1
// with AVX-512, 2 with AVX2, 3 with neither, 0 with the best there is. It returns
// 0 where this processor has not got it.
int faird_use(int kind);

#endif

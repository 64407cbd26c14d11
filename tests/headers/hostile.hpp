// Names that system headers and other libraries are known to define as macros. A header of ours that uses one
// of them as an identifier compiles here and breaks in a user's program.
#define I "complex.h: the imaginary unit"
#define B0 "termios.h: a line speed"
#define small "rpcndr.h: char"
#define near "windef.h: nothing"
#define far "windef.h: nothing"
#define interface "combaseapi.h: struct"
#define IN "minwindef.h: nothing"
#define OUT "minwindef.h: nothing"
#define ERROR "wingdi.h: zero"
#define min(a, b) ((a) < (b) ? (a) : (b))  // minwindef.h
#define max(a, b) ((a) > (b) ? (a) : (b))  // minwindef.h
#define None "X.h: zero"
#define Bool "Xlib.h: int"
#define Status "Xlib.h: int"
#define Always "X.h: two"
#define CHECK "logging and test libraries: an assertion"
#define LOG "logging libraries: a stream"
#define DEBUG "build systems: one"
#define PI "firmware headers: 3.14"

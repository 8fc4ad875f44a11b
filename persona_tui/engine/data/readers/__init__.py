"""Read sources of any format into tables of rows; each format is a module, registered in ``registry``."""
